//! Times as they are stored and shown: milliseconds and microseconds since 1970, and RFC 3339.

use std::{
    num::NonZeroU8,
    time::{SystemTime, UNIX_EPOCH},
};

use time::{
    OffsetDateTime,
    format_description::well_known::{
        Iso8601,
        iso8601::{Config, EncodedConfig, TimePrecision},
    },
};

/// Now, in milliseconds since 1970.
pub(crate) fn millis_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Now, in microseconds since 1970.
pub(crate) fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// UTC with milliseconds, always three digits of them.
pub(crate) fn rfc3339(millis: u64) -> String {
    const FORMAT: EncodedConfig = Config::DEFAULT
        .set_time_precision(TimePrecision::Second { decimal_digits: NonZeroU8::new(3) })
        .encode();
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    // A clock beyond the year 9999 has no such text.
    time.ok().and_then(|time| time.format(&Iso8601::<FORMAT>).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times() {
        assert_eq!(rfc3339(1_769_025_600_000), "2026-01-21T20:00:00.000Z");
        assert_eq!(rfc3339(1_769_025_600_007), "2026-01-21T20:00:00.007Z");
    }
}
