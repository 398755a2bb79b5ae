import { configureSync } from "syncline";
import { createWorkspace } from "syncline/workspaces";

interface Board {
  topic: string;
  votes: { [dish: string]: number };
}

const url = "http://localhost:4000";

/** In development the server gives a token to anybody. In production it is from your login. */
async function token(): Promise<string> {
  const guest = { sub: "ada", scope: "read write" };
  const answer = await fetch(`${url}/api/dev/token`, { method: "POST", body: JSON.stringify(guest) });
  return (await answer.json()).token;
}

configureSync({ url, token });

const board = createWorkspace<Board>("board");
board.subscribe(() => {
  const { status, pending, data } = board.getSnapshot();
  console.log(status, pending, data.topic);
});

const answer = await board.set("topic", "Lunch");
if (answer.status === "error") console.error(answer.errorCode, answer.message);
await board.set("votes", { pizza: 3 });
board.close();
