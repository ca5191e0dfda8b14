import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HASH_BYTES = 32;

/** What was answered to a request: enough to answer the same again. */
export interface KeptAnswer {
  status: number;
  /** Undefined for an answer without a body. */
  body?: unknown;
}

/**
 * All that is derived from an Idempotency-Key. Only the client has the key, so the database alone tells nothing of what
 * was asked and answered (a new API key, say), as long as keys are not guessable.
 */
export class KeySecrets {
  /** What the key is found by. */
  readonly hash: Buffer;
  private readonly requestKey: Buffer;
  private readonly answerKey: Buffer;

  /** `scope`: whose key it is and for what; the same key elsewhere has nothing in common with this one. */
  constructor(key: string, scope: string) {
    const derived = Buffer.from(hkdfSync('sha256', key, scope, 'graphstead idempotency', 3 * HASH_BYTES));
    this.hash = derived.subarray(0, HASH_BYTES);
    this.requestKey = derived.subarray(HASH_BYTES, 2 * HASH_BYTES);
    this.answerKey = derived.subarray(2 * HASH_BYTES);
  }

  /** What tells requests apart. Keyed, because a body may hold a password. */
  hashOf(request: string): Buffer {
    return createHmac('sha256', this.requestKey).update(request).digest();
  }

  seal(answer: KeptAnswer): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.answerKey, iv);
    const sealed = [cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()];
    return Buffer.concat([iv, cipher.getAuthTag(), ...sealed]);
  }

  /** Throws where the bytes are not what {@link seal} made under the same key. */
  open(sealed: Buffer): KeptAnswer {
    const decipher = createDecipheriv(CIPHER, this.answerKey, sealed.subarray(0, IV_BYTES));
    decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    return JSON.parse(text) as KeptAnswer;
  }
}
