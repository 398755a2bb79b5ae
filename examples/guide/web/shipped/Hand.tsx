import { useSnapshot } from "syncline/react";

interface Table {
  counts: { [player: string]: number };
  hand: number[] | null;
}

export function Hand({ table }: { table: string }) {
  const { snapshot } = useSnapshot<Table>({ kind: "cards", id: table });
  return <p>{snapshot?.hand?.join(" ") ?? "You are looking on."}</p>;
}
