//! How the service writes instants and entity tags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// "Never" in every answer but one.
pub(super) const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// "Never" in the answer to the PUT that creates an identity, which alone leaves the `Z` out.
pub(super) const ZERO_TIME_AT_CREATION: &str = "0001-01-01T00:00:00";

/// 100 ns ticks between 0001-01-01 and 1970-01-01.
const UNIX_EPOCH_TICKS: i128 = 621_355_968_000_000_000;

/// An instant with up to seven digits of fraction, trailing zeros cut, always `Z`.
pub(in crate::sim) fn instant(at: Timestamp) -> String {
    let ticks = at.as_nanosecond().div_euclid(100).rem_euclid(10_000_000);
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    if ticks == 0 {
        return format!("{seconds}Z");
    }
    let fraction = format!("{ticks:07}");
    format!("{seconds}.{}Z", fraction.trim_end_matches('0'))
}

/// An instant, or "never" with `Z`.
pub(super) fn instant_or_never(at: Option<Timestamp>) -> String {
    at.map_or_else(|| ZERO_TIME.to_owned(), instant)
}

/// A `generationId`, `$lastUpdatedByDigest` or scope suffix: ticks since year 1, decimal.
pub(in crate::sim) fn ticks(at: Timestamp) -> String {
    (at.as_nanosecond().div_euclid(100) + UNIX_EPOCH_TICKS).to_string()
}

/// The `Date` header.
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `MM/DD/YYYY hh:mm:ss`, as in tracking ids.
pub(super) fn us_date(at: Timestamp) -> String {
    at.strftime("%m/%d/%Y %H:%M:%S").to_string()
}

/// The tag of an identity: base64 of the decimal counter.
pub(super) fn identity_etag(counter: u64) -> String {
    STANDARD.encode(counter.to_string())
}

/// The counter in an identity's tag, when it is one.
pub(super) fn identity_counter(etag: &str) -> Option<u64> {
    String::from_utf8(STANDARD.decode(etag).ok()?).ok()?.parse().ok()
}

/// The tag of a twin: base64 of the counter as eight bytes, big endian.
pub(super) fn twin_etag(counter: u64) -> String {
    STANDARD.encode(counter.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_tags_look_like_the_recorded_ones() {
        let at: Timestamp = "2021-07-07T20:45:23.9479543Z".parse().unwrap();
        assert_eq!(instant(at), "2021-07-07T20:45:23.9479543Z");
        assert_eq!(ticks(at), "637612875239479543");
        assert_eq!(instant("2021-07-07T20:45:24.13139700Z".parse().unwrap()), "2021-07-07T20:45:24.131397Z");
        assert_eq!(instant("2021-07-07T20:45:24Z".parse().unwrap()), "2021-07-07T20:45:24Z");
        assert_eq!(identity_etag(727_894_863), "NzI3ODk0ODYz");
        assert_eq!(identity_counter("NzI3ODk0ODYz"), Some(727_894_863));
        assert_eq!(identity_counter("AAAAAAAAAAE="), None);
        assert_eq!(twin_etag(1), "AAAAAAAAAAE=");
        assert_eq!(http_date(at), "Wed, 07 Jul 2021 20:45:23 GMT");
    }
}
