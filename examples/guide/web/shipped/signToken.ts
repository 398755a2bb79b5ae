import { createHmac } from "node:crypto";

/** What a server of yours gives to whoever is logged in there. */
export function documentToken(userId: string, secret: string): string {
  return `${userId}:${createHmac("sha256", secret).update(userId).digest("base64url")}`;
}
