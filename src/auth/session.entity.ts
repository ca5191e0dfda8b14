import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One bearer token. Refreshing makes a further session of the same login. */
@Entity('session')
export class Session {
  @PrimaryColumn({ type: 'uuid' })
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'token_hash', type: 'bytea' })
  tokenHash: Buffer;

  @Column({ name: 'login_id', type: 'uuid' })
  loginId: string;

  /** When the password was given. */
  @Column({ name: 'login_at', type: 'timestamptz' })
  loginAt: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  /** From when on the token is worth nothing; may lie some seconds ahead after a refresh. */
  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;
}
