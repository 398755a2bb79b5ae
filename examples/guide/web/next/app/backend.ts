import { sessionToken } from "./session"; // yours: the user's token for the server, from your session

export async function backend(path: string, init: RequestInit = {}): Promise<Response> {
  const token = await sessionToken();
  const answer = await fetch(`${process.env.BACKEND_BASE_URL}${path}`, {
    ...init,
    headers: token ? { authorization: `Bearer ${token}` } : {},
    cache: "no-store",
  });
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store" });
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter) headers.set("retry-after", retryAfter);
  return new Response(answer.body, { status: answer.status, headers });
}
