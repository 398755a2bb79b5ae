// An error in the reader's language, with the code that a program would look at.

export interface Problem {
  readonly errorCode: string;
  readonly message: string;
}

export function Notice({ problem }: { readonly problem: Problem | undefined }) {
  return (
    <div role="alert">
      {problem && (
        <p className="notice">
          {problem.message} <code>{problem.errorCode}</code>
        </p>
      )}
    </div>
  );
}
