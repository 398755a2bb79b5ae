// In your app: the token of who is logged in, from your session's cookie for example. Here nobody is.

export async function sessionToken(): Promise<string | undefined> {
  return undefined;
}
