import { configureSync } from "syncline";
import { createDocument } from "syncline/documents";

const url = "http://localhost:4000";

/** In development the server gives a token to anybody. In production it is from your login. */
async function token(): Promise<string> {
  const guest = { sub: "ada", scope: "read write" };
  const answer = await fetch(`${url}/api/dev/token`, { method: "POST", body: JSON.stringify(guest) });
  return (await answer.json()).token;
}

configureSync({ url, token });

const { doc, subscribe, getSnapshot, destroy } = createDocument("notes");
subscribe(() => {
  const { status, synced, saved } = getSnapshot();
  console.log(status, synced, saved);
  if (saved === "saved") destroy();
});

doc.getText("text").insert(0, "Lunch at noon. ");
