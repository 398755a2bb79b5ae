import { useWorkspace } from "syncline/react";

interface Board {
  topic: string;
  votes: { [dish: string]: number };
}

export function Topic({ id }: { id: string }) {
  const { data, status, error, pending, presence, set } = useWorkspace<Board>(id);
  return (
    <>
      <input aria-label="Topic" value={data.topic ?? ""} onChange={(event) => set("topic", event.target.value)} />
      <p role="status">
        {status} {pending > 0 && `(${pending} not saved)`} {error?.message}
      </p>
      <p>Here: {presence.map(({ user_id }) => user_id).join(", ")}</p>
    </>
  );
}
