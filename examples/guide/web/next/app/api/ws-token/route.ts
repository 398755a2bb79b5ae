import { backend } from "../../backend";

export const POST = () => backend("/api/ws/token", { method: "POST" });
