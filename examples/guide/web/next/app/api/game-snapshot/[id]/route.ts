import { backend } from "../../../backend";

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return backend(`/api/games/${encodeURIComponent(id)}/snapshot`);
}
