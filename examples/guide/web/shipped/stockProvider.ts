import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";

export function connect(token: string) {
  const params = { token, close: "1" };
  return new WebsocketProvider("wss://sync.example.com/sync/v1", "notes", new Doc(), { params });
}
