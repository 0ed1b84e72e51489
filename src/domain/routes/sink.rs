//! Endpoints by their names, with edgeHub's words for those it does not know.

use super::RouteError;
use super::ast::Sink;

pub(super) fn system_sink(name: &str, at: usize) -> Result<Sink, RouteError> {
    if name.eq_ignore_ascii_case("upstream") {
        return Ok(Sink::Upstream);
    }
    let words = format!("System endpoint type '${name}' not supported.");
    Err(RouteError::reported("the only endpoint of this kind is $upstream", at, words))
}

pub(super) fn module_sink(function: &str, at: usize, address: &str, address_at: usize) -> Result<Sink, RouteError> {
    if !function.eq_ignore_ascii_case("BrokeredEndpoint") {
        let words = format!("Function endpoint type '{function}' not supported.");
        return Err(RouteError::reported("the only endpoint of this kind is BrokeredEndpoint", at, words));
    }
    let address = address.trim();
    let hint = "a module's input is /modules/name/inputs/input";
    if address.is_empty() {
        let words = "parameterString is null or whitespace.".to_owned();
        return Err(RouteError::reported(hint, address_at, words));
    }
    let address = address.strip_prefix('/').unwrap_or(address);
    let address = address.strip_suffix('/').unwrap_or(address);
    let parts: Vec<&str> = address.split('/').collect();
    // The words between are never looked at.
    let [_, module, _, input] = parts.as_slice() else {
        let words = format!(
            "Parameter string {address} could not be parsed. Expect input in this format - /modules/{{mid}}/inputs/{{input}}"
        );
        return Err(RouteError::reported(hint, address_at, words));
    };
    Ok(Sink::Module { module: (*module).to_owned(), input: (*input).to_owned() })
}
