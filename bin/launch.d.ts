export interface Facts {
  readonly entry: string;
  readonly version: string;
  readonly platform: string;
  readonly root: string;
  readonly stripsTypes: boolean;
  readonly exists: (path: string) => boolean;
  readonly versionAt: (path: string) => string | undefined;
}

export type Decision =
  | { readonly kind: 'run'; readonly file: string }
  | { readonly kind: 'respawn'; readonly runtime: string }
  | { readonly kind: 'refuse'; readonly message: string };

export function decide(facts: Facts): Decision;
export function launch(entry: string): void;
export function privateFolder(parent: string): string | undefined;
