declare module "syncline" {
  interface Register {
    routes: SyncRoutes;
    latest: SyncLatest;
    errors: SyncAppErrors;
  }
}
