import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody with an account. */
@Entity('app_user')
export class User {
  @PrimaryColumn({ type: 'uuid' })
  id: string;

  /** Lower case; unique. */
  @Column({ type: 'text' })
  email: string;

  @Column({ type: 'text' })
  name: string;

  /** argon2id, with its parameters. */
  @Column({ name: 'password_hash', type: 'text' })
  passwordHash: string;

  /** False for closed accounts: they keep their id, for what they made, and nothing else. */
  @Column({ name: 'is_active', type: 'boolean', default: true })
  isActive: boolean;

  /** Runs the installation: may use `/v1/admin`. */
  @Column({ name: 'is_operator', type: 'boolean', default: false })
  isOperator: boolean;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt: Date;
}
