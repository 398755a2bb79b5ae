import { configureSync } from "syncline";

async function login(fresh: boolean): Promise<string> {
  const response = await fetch(fresh ? "/session/refresh" : "/session", { method: "POST" });
  return (await response.json()).token;
}

configureSync({ url: "https://sync.example.com", token: ({ refused }) => login(refused !== undefined) });
