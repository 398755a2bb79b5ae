import { createSyncTrigger } from "syncline/server";

const trigger = createSyncTrigger({ url: "https://sync.example.com", token: () => process.env.SYNC_TOKEN });
const answer = await trigger({
  name: "examples/updateCounter",
  version: "v2",
  data: { amount: 5 },
  receiver: "game-room-123",
});
if (answer.status === "error") console.error(answer.errorCode, answer.message);
