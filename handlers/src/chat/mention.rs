//! Who is mentioned in a text. It knows no users: it is asked about one at a time.

/// Whether the text holds `@` and this id as a word of its own. Nobody is mentioned by an empty id, that of an
/// anonymous session.
///
/// A letter, digit or underscore before the `@` or after the id makes it part of another word (`bob@ada` and
/// `@adam` do not mention `ada`). So does one that follows `.`, `-`, `@` or `|`, which ids may hold (`@ada-b` does
/// not, `@ada.` at the end of a sentence does).
#[must_use]
pub fn mentions(text: &str, user_id: &str) -> bool {
    !user_id.is_empty()
        && text.match_indices('@').any(|(at, sign)| {
            let (before, after) = (&text[..at], &text[at + sign.len()..]);
            !before.ends_with(is_of_a_word) && after.strip_prefix(user_id).is_some_and(begins_no_word)
        })
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn begins_no_word(rest: &str) -> bool {
    !rest.trim_start_matches(['.', '-', '@', '|']).starts_with(is_of_a_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mentions;

    #[test]
    fn whole_words_only() {
        for text in [
            "@ada",
            "hi @ada!",
            "(@ada)",
            "@ada's turn",
            "@adam, @ada.",
            "@ada... well",
            "@@ada",
            "x @ada\ny",
        ] {
            assert!(mentions(text, "ada"), "{text}");
        }
        for text in [
            "", "@", "ada", "@adam", "@ADA", "bob@ada", "_@ada", "@ada_b", "@ada-b", "@ada|b", "@ada.b",
            "@ada@b.c", "@adaé",
        ] {
            assert!(!mentions(text, "ada"), "{text}");
        }
        assert!(mentions("see @ada@b.c", "ada@b.c"));
        assert!(!mentions("@ and @", ""));
    }

    fn user_id() -> impl Strategy<Value = String> {
        "[a-c0-1é]{1,3}([.@|-][a-c_]{1,2}){0,2}"
    }

    proptest! {
        #[test]
        fn exactly_the_mentioned_are(
            said in prop::collection::vec((user_id(), any::<bool>()), 0..6), asked in user_id(),
        ) {
            let words: Vec<String> =
                said.iter().map(|(id, with_at)| format!("{}{id}", if *with_at { "@" } else { "" })).collect();
            let expected = said.iter().any(|(id, with_at)| *with_at && *id == asked);
            prop_assert_eq!(mentions(&words.join(" "), &asked), expected);
            prop_assert_eq!(mentions(&format!("({}).", words.join("!, ")), &asked), expected);
        }

        #[test]
        fn any_text_and_id_are_answered(text in ".*", id in ".*", at in any::<prop::sample::Index>()) {
            let _ = mentions(&text, &id);
            let boundaries: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
            if !boundaries.is_empty() {
                let (before, after) = text.split_at(*at.get(&boundaries));
                prop_assert_eq!(mentions(&format!("{before} @{id} {after}"), &id), !id.is_empty());
            }
        }
    }
}
