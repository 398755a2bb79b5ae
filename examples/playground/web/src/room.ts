// Which room this page is in: the one in its address, or a new one that is then put there, so that the address can be
// opened elsewhere and is the same room.

const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

export function roomOfPage(): string {
  const address = new URL(location.href);
  const named = address.searchParams.get("room")?.trim();
  if (named) return named.slice(0, 64);
  const room = `play-${randomWord(6)}`;
  address.searchParams.set("room", room);
  history.replaceState(history.state, "", address);
  return room;
}

/** Letters and digits that nobody takes for one another. */
export function randomWord(length: number): string {
  const numbers = crypto.getRandomValues(new Uint32Array(length));
  return Array.from(numbers, (number) => ALPHABET[number % ALPHABET.length]).join("");
}
