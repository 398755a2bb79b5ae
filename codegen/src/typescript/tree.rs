//! A TypeScript type as a tree of brackets: just enough structure to lay it out anew and to find the names in it.
//!
//! It reads whatever ts-rs writes and passes on what an author wrote by hand (`#[ts(type = "..")]`); it checks nothing.

use std::{iter::Peekable, str::Chars};

/// A part of a type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A name, a literal, a keyword or an operator.
    Word(String),
    /// A comment, its lines without their decoration.
    Doc(Vec<String>),
    /// What stands between two brackets.
    Group(Group),
}

/// What stands between two brackets, at its commas and semicolons.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// The opening bracket: one of `{`, `[`, `(` and `<`.
    pub(super) open: char,
    /// What stands between the separators.
    pub(super) items: Vec<Vec<Node>>,
}

impl Group {
    /// The closing bracket.
    pub(super) fn close(&self) -> char {
        match self.open {
            '{' => '}',
            '[' => ']',
            '(' => ')',
            _ => '>',
        }
    }
}

/// Reads one type, or one declaration without what follows its semicolon.
pub(super) fn read(text: &str) -> Vec<Node> {
    let mut items = Reader { letters: text.chars().peekable() }.items(None);
    if items.is_empty() { Vec::new() } else { items.swap_remove(0) }
}

/// The text of a comment, line by line, without its decoration.
pub(super) fn comment_lines(comment: &str) -> Vec<String> {
    let inner = comment.trim();
    let inner = inner.strip_prefix("/**").unwrap_or(inner);
    let inner = inner.strip_suffix("*/").unwrap_or(inner);
    let lines = inner.lines().map(|line| {
        let line = line.trim();
        let line = line.strip_prefix('*').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
    });
    let mut lines: Vec<String> = lines.skip_while(String::is_empty).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// Up to this closing bracket, or to the end.
    fn items(&mut self, close: Option<char>) -> Vec<Vec<Node>> {
        let mut items = vec![Vec::new()];
        while let Some(letter) = self.letters.next() {
            let node = match letter {
                _ if Some(letter) == close => break,
                _ if letter.is_whitespace() => continue,
                ',' | ';' => {
                    items.push(Vec::new());
                    continue;
                }
                '{' => self.group(letter, '}'),
                '[' => self.group(letter, ']'),
                '(' => self.group(letter, ')'),
                '<' => self.group(letter, '>'),
                '"' | '\'' | '`' => self.quoted(letter),
                '/' if self.letters.peek() == Some(&'*') => self.comment(),
                '=' if self.letters.next_if_eq(&'>').is_some() => Node::Word("=>".to_owned()),
                _ if is_of_a_name(letter) => self.name(letter),
                _ => Node::Word(letter.to_string()),
            };
            if let Some(item) = items.last_mut() {
                item.push(node);
            }
        }
        items.retain(|item| !item.is_empty());
        items
    }

    fn group(&mut self, open: char, close: char) -> Node {
        Node::Group(Group { open, items: self.items(Some(close)) })
    }

    fn name(&mut self, first: char) -> Node {
        let mut name = String::from(first);
        while let Some(letter) = self.letters.next_if(|&letter| is_of_a_name(letter)) {
            name.push(letter);
        }
        Node::Word(name)
    }

    fn quoted(&mut self, quote: char) -> Node {
        let mut text = String::from(quote);
        while let Some(letter) = self.letters.next() {
            text.push(letter);
            match letter {
                '\\' => text.extend(self.letters.next()),
                _ if letter == quote => break,
                _ => {}
            }
        }
        Node::Word(text)
    }

    /// ts-rs puts the end of a comment on a line of its own, so that a `*/` in an author's text is not it.
    fn comment(&mut self) -> Node {
        let rest: String = self.letters.clone().collect();
        let on_lines = rest.starts_with("**\n *");
        let end =
            if on_lines { rest.find("\n */").map(|at| at + 4) } else { rest.find("*/").map(|at| at + 2) };
        let comment = &rest[..end.unwrap_or(rest.len())];
        for _ in comment.chars() {
            self.letters.next();
        }
        Node::Doc(comment_lines(&format!("/{comment}")))
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::{Node, comment_lines, read};

    fn word(text: &str) -> Node {
        Node::Word(text.to_owned())
    }

    #[test]
    fn brackets_and_separators_make_the_tree() {
        let nodes = read(r#"type A<T> = { a: Array<T>, "b;,": [string, 1], } | (x) => void;"#);
        assert_eq!(nodes[..2], [word("type"), word("A")]);
        let Node::Group(object) = &nodes[4] else { panic!("{nodes:?}") };
        assert_eq!((object.open, object.items.len()), ('{', 2));
        assert_eq!(object.items[1][..2], [word(r#""b;,""#), word(":")]);
        assert_eq!(nodes[7..], [word("=>"), word("void")]);
    }

    #[test]
    fn a_comment_ends_at_its_own_end() {
        let nodes = read("{ \n/**\n * all of a/*/b\n * and more\n */\nx: number, }");
        let Node::Group(object) = &nodes[0] else { panic!("{nodes:?}") };
        assert_eq!(object.items[0][0], Node::Doc(vec!["all of a/*/b".to_owned(), "and more".to_owned()]));
        assert_eq!(object.items[0][1], word("x"));
    }

    #[test]
    fn comments_lose_their_decoration() {
        assert_eq!(comment_lines("/** one */"), ["one"]);
        assert_eq!(comment_lines("/**\n * one\n *\n *   - two\n */\n"), ["one", "", "  - two"]);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        for odd in ["", "{", "}", "<<>", "\"", "/**", "/* *", "a\\", "=", "/** \u{e9} */ x"] {
            let _ = read(odd);
        }
    }
}
