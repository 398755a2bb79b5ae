// Where an app registers its types. Nothing is derived here: see `core/routes.ts`.

/**
 * The app's events and errors, filled in by the generated `apiTypes.generated.ts` through
 * `declare module "syncline" { interface Register { ... } }`. While it is empty, names are any string and data is
 * `unknown`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: generated types are merged into it.
export interface Register {}
