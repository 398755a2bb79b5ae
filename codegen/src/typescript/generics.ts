/** The newest version of an event, by page and name. */
type Latest<Page extends keyof SyncApi, Name extends keyof SyncApi[Page]> =
  `${Page}/${Name & string}` extends infer FullName extends keyof SyncLatest
    ? SyncLatest[FullName] & keyof SyncApi[Page][Name]
    : never;

/** What a client sends with an event; without a version, with its newest. */
export type SyncClientInput<
  Page extends keyof SyncApi,
  Name extends keyof SyncApi[Page],
  Version extends keyof SyncApi[Page][Name] = Latest<Page, Name>,
> = SyncApi[Page][Name][Version] extends { clientInput: infer Data } ? Data : never;

/** What the server stage of an event answers; without a version, of its newest. */
export type SyncServerOutput<
  Page extends keyof SyncApi,
  Name extends keyof SyncApi[Page],
  Version extends keyof SyncApi[Page][Name] = Latest<Page, Name>,
> = SyncApi[Page][Name][Version] extends { serverOutput: infer Data } ? Data : never;

/** What the client stage of an event adds for a recipient; without a version, of its newest. */
export type SyncClientOutput<
  Page extends keyof SyncApi,
  Name extends keyof SyncApi[Page],
  Version extends keyof SyncApi[Page][Name] = Latest<Page, Name>,
> = SyncApi[Page][Name][Version] extends { clientOutput: infer Data } ? Data : never;
