import { syncRequest } from "syncline";

const answer = await syncRequest({
  name: "examples/updateCounter",
  version: "v2",
  data: { amount: 500 },
  receiver: "game-room-123",
});
if (answer.status === "error") {
  switch (answer.errorCode) {
    case "counter.amountTooLarge":
      console.log("at most", answer.errorParams.max);
      break;
    case "sync.rateLimited":
      console.log("again in", answer.errorParams.seconds, "s");
      break;
    default:
      console.log(answer.message);
  }
}
