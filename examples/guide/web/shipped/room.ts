import { configureSync } from "syncline";
import { createRoom } from "syncline/rooms";

configureSync({ url: "https://sync.example.com" });

const room = createRoom<{ topic: string; done: boolean }>("meeting-sales");
room.subscribe(() => {
  const { state, version, status } = room.getSnapshot();
  console.log(status, version, state?.topic);
});
await room.setState({ topic: "Lunch", done: false });
room.close();
