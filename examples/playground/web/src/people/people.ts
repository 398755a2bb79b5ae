// The two people on the page, and what each may choose.

export const PEOPLE = [
  { id: "alice", name: "Alice", locale: "en", side: "white" },
  { id: "bob", name: "Bob", locale: "ja", side: "black" },
] as const;

export type Person = (typeof PEOPLE)[number];
export type PersonId = Person["id"];

/** The languages that the server's messages come in, each by its own name. */
export const LANGUAGES = {
  en: "English",
  nl: "Nederlands",
  de: "Deutsch",
  fr: "Français",
  es: "Español",
  ja: "日本語",
} as const;

export type Language = keyof typeof LANGUAGES;

export function isLanguage(text: string): text is Language {
  return Object.hasOwn(LANGUAGES, text);
}

/** The pages that a person can say they have open; what is filtered by page reaches those on `/examples`. */
export const PAGES = ["/examples", "/settings"] as const;

export type Page = (typeof PAGES)[number];

export function isPage(text: string): text is Page {
  return PAGES.some((page) => page === text);
}

/** How a user id is shown: by the name of the person on this page, or as it is for someone on another. */
export function nameOf(userId: string): string {
  return PEOPLE.find((person) => person.id === userId)?.name ?? userId;
}
