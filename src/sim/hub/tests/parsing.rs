//! What is read off the wire before anybody is known: paths, parameters and tokens. Nothing that can be sent makes it panic,
//! and only the one who has the key is let in.

use std::time::Duration;

use proptest::prelude::*;

use crate::sim::hub::Request;
use crate::sim::hub::router::{Operation, Target};

use super::hub;

fn request(path: String, authorization: String) -> Request {
    Request {
        method: "GET".to_owned(),
        path_and_query: path,
        headers: vec![("Authorization".to_owned(), authorization)],
        body: Vec::new(),
        waited: Duration::ZERO,
        queued: false,
    }
}

proptest! {
    #[test]
    fn any_path_is_taken_apart_or_refused(
        method in "[A-Z]{0,7}", path in "\\PC{0,30}", tail in "(/(devices|twins|modules|jobs|v2|%[0-9a-f]{0,2}|[a-z$]{0,4})){0,6}[?&=a-z%0-9]{0,12}"
    ) {
        for path in [path.clone(), tail.clone(), format!("{tail}{path}")] {
            if let Some(target) = Target::of(&request(path.clone(), String::new())) {
                let operation = Operation::of(&method, &target.segments);
                prop_assert!(operation.is_none() || !target.segments.is_empty(), "the root is no resource");
                // Splitting comes first, so no segment is lost or made by what stands inside one.
                let raw = path.split('?').next().unwrap_or_default().split('/').filter(|part| !part.is_empty());
                prop_assert_eq!(target.segments.len(), raw.count());
            }
        }
    }

    #[test]
    fn no_token_but_a_signed_one_lets_anybody_in(
        text in "\\PC{0,40}",
        fields in prop::collection::vec(("(sr|sig|se|skn|[a-z]{0,3})", "([A-Za-z0-9%+/=.:-]{0,24}|localhost|iothubowner|253402300799|99999999999999999999)"), 0..6),
    ) {
        let (caller, _) = hub();
        let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let token = format!("SharedAccessSignature {}", fields.join("&"));
        for authorization in [text, token] {
            let answer = caller.hub.handle(&request("/devices?api-version=2021-04-12".to_owned(), authorization));
            prop_assert_eq!(answer.status, 401);
        }
    }
}
