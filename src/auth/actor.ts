export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, by which key, from where. The first argument of every service method that acts for somebody. */
export interface Actor {
  userId: string;
  /** The API key or the session that the request came with; null for the platform itself. */
  apiKeyId: string | null;
  sessionId: string | null;
  /** What the credential allows; a session allows everything that its user may do. */
  scopes: readonly Scope[];
  /** The only graphs that the credential is good for; null for no such limit. */
  graphIds: readonly string[] | null;
  /** Whether they run this installation and so may use `/v1/admin`; absent means no. */
  isOperator?: boolean;
  requestId: string | null;
  ip: string | null;
}
