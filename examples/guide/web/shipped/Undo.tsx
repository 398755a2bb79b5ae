import { useWorkspace } from "syncline/react";

export function Undo({ id }: { id: string }) {
  const { history, status } = useWorkspace(id);

  async function undo() {
    const listed = await history.list({ limit: 2 });
    const before = listed.status === "success" ? listed.changes[1] : undefined;
    if (before) await history.restore(before.hash);
  }

  return (
    <button type="button" disabled={status !== "synced"} onClick={undo}>
      Undo the last change
    </button>
  );
}
