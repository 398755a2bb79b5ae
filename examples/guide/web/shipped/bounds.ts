import { configureSync } from "syncline";

configureSync({
  url: "https://sync.example.com",
  token: () => sessionStorage.getItem("token"),
  offlineQueue: { limit: 50, maxAgeMs: 60_000, whenFull: "reject" },
});
