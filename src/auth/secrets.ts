import { createHash, randomBytes } from 'node:crypto';

const API_KEY_PREFIX = 'gs_';
const SESSION_PREFIX = 'gss_';
/** Enough to tell keys apart in a list, far too little to guess the rest. */
const SHOWN_CHARACTERS = 11;

/** A new API key: 256 random bits, so a plain SHA-256 of it is safe to store. */
export function newApiKey(): string {
  return API_KEY_PREFIX + randomBytes(32).toString('hex');
}

/** A new session token: 256 random bits. */
export function newSessionToken(): string {
  return SESSION_PREFIX + randomBytes(32).toString('base64url');
}

export function isApiKey(text: string): boolean {
  return text.startsWith(API_KEY_PREFIX);
}

/** What is stored of a key or token. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The beginning of a key, shown in lists. */
export function shownPrefix(key: string): string {
  return key.slice(0, SHOWN_CHARACTERS);
}
