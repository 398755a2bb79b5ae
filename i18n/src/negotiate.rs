//! Reads what a caller says of its languages: single tags and whole `Accept-Language` values, in order of
//! preference. It says nothing about which of them a catalog has.
//!
//! The input comes from strangers: nothing here fails, and the work is bounded.

use fluent_langneg::LanguageIdentifier;

/// Of one preference, only so many bytes are looked at.
const MAX_BYTES: usize = 1024;
/// Of all preferences together, only so many tags.
const MAX_TAGS: usize = 32;

/// The tags asked for, best first; `*` becomes `any`. Earlier preferences come before later ones whatever
/// their weights, for a weight only ranks the tags of its own header.
pub(crate) fn requested(preferences: &[&str], any: &LanguageIdentifier) -> Vec<LanguageIdentifier> {
    let mut requested = Vec::new();
    for preference in preferences.iter().take(MAX_TAGS) {
        let header = &preference[..preference.floor_char_boundary(MAX_BYTES)];
        let left = MAX_TAGS - requested.len();
        let mut weighted: Vec<_> = header.split(',').take(left).filter_map(|item| weigh(item, any)).collect();
        // A stable sort: tags of equal weight keep the order they were written in.
        weighted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        requested.extend(weighted.into_iter().map(|(_, tag)| tag));
    }
    requested
}

/// `None` for what is no tag, has a weight that is no weight, or is refused with a weight of zero.
fn weigh(item: &str, any: &LanguageIdentifier) -> Option<(f32, LanguageIdentifier)> {
    let mut parts = item.split(';');
    let tag = parts.next()?.trim();
    let weight = parts.find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let weight = match weight {
        Some(value) => value.parse().ok().filter(|weight| *weight > 0.0 && *weight <= 1.0)?,
        None => 1.0,
    };
    let tag = match tag {
        "*" => any.clone(),
        // Unlike `parse`, this lets extensions pass (`de-u-co-phonebk`), which browsers do send.
        tag => LanguageIdentifier::try_from_locale_bytes(tag.as_bytes()).ok()?,
    };
    Some((weight, tag))
}
