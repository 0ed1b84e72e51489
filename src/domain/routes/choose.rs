//! Which endpoints get a message: for each endpoint the route that comes first by priority.

use std::time::Duration;

use super::ast::Route;
use super::eval::Look;
use super::message::RoutedMessage;

/// A route as it is configured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// The route.
    pub route: &'a Route,
    /// 0 comes first.
    pub priority: u32,
    /// How long its messages wait for the endpoint; `None` for ever.
    pub time_to_live: Option<Duration>,
}

/// The routes a message takes, at most one for each endpoint, in the order the endpoints were first named. Of two
/// routes of one priority to the same endpoint the first is taken; edgeHub promises no order there. Nothing when no
/// route selects the message, which is then dropped.
pub fn choose<'a>(routes: impl IntoIterator<Item = Candidate<'a>>, message: &RoutedMessage) -> Vec<Candidate<'a>> {
    let look = Look::at(message);
    let mut chosen: Vec<Candidate<'a>> = Vec::new();
    for candidate in routes {
        if !look.selected_by(candidate.route) {
            continue;
        }
        match chosen.iter_mut().find(|other| other.route.sink == candidate.route.sink) {
            Some(other) if candidate.priority < other.priority => *other = candidate,
            Some(_) => {}
            None => chosen.push(candidate),
        }
    }
    chosen
}
