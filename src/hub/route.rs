//! Paths of the hub's REST API: templates for logs, encoded segments for the wire.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The contract edgedeck is written against.
const API_VERSION: &str = "2021-04-12";

/// What stays as it is: RFC 3986's unreserved characters. `$edgeAgent` becomes `%24edgeAgent`, as from official clients.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one path segment or parameter value.
pub(super) fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, RESERVED).to_string()
}

/// A path, in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// `/twins/{}/modules/{}`: without ids, for logs.
    pub template: &'static str,
    /// Encoded, with `api-version`.
    pub path_and_query: String,
}

impl Route {
    /// Fills the `{}` of `template` with `ids`, in order. `None` when an id is `.` or `..`: every URL library, encoded or
    /// not, takes those as steps in the path, and the request would reach something else.
    pub fn new(template: &'static str, ids: &[&str]) -> Option<Self> {
        if ids.iter().any(|id| matches!(*id, "" | "." | "..")) {
            return None;
        }
        let mut path = String::with_capacity(template.len() + 64);
        let mut ids = ids.iter();
        for part in template.split_inclusive("{}") {
            match part.strip_suffix("{}") {
                Some(before) => {
                    path.push_str(before);
                    path.push_str(&encode(ids.next()?));
                }
                None => path.push_str(part),
            }
        }
        Some(Self { template, path_and_query: format!("{path}?api-version={API_VERSION}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_encoded_per_segment() {
        for (template, ids, path) in [
            ("/statistics/devices", &[][..], "/statistics/devices"),
            ("/devices/{}/modules", &["edge-01"], "/devices/edge-01/modules"),
            ("/twins/{}/modules/{}", &["a/b", "$edgeAgent"], "/twins/a%2Fb/modules/%24edgeAgent"),
            (
                "/twins/{}",
                &["a:b.c+d%e_f#g*h?i!j(k),l=m@n;o$p'q"],
                "/twins/a%3Ab.c%2Bd%25e_f%23g%2Ah%3Fi%21j%28k%29%2Cl%3Dm%40n%3Bo%24p%27q",
            ),
            ("/twins/{}", &["..."], "/twins/..."),
        ] {
            let route = Route::new(template, ids).unwrap();
            assert_eq!(route.path_and_query, format!("{path}?api-version=2021-04-12"));
            assert_eq!(route.template, template);
        }
    }

    #[test]
    fn steps_in_the_path_are_no_ids() {
        for id in ["", ".", ".."] {
            assert_eq!(Route::new("/twins/{}", &[id]), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever an id holds, it stays one segment and decodes to itself.
        #[test]
        fn an_id_stays_one_segment(id in "\\PC{1,20}") {
            prop_assume!(id != "." && id != "..");
            let route = Route::new("/twins/{}", &[&id]).unwrap();
            let path = route.path_and_query.strip_suffix("?api-version=2021-04-12").unwrap();
            let segments: Vec<&str> = path.split('/').collect();
            prop_assert_eq!(segments.len(), 3);
            let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
            prop_assert_eq!(decoded.as_ref(), id.as_str());
        }
    }
}
