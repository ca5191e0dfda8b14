import { isConnectionError } from '../common/lost-connection';
import { DomainError } from '../common/domain-error';
import type { StorageConfig } from './storage.config';
import { ObjectNotFound, StorageFull, StorageUnavailable } from './storage.errors';

const REFUSED =
  /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|InvalidSecurity|NotSignedUp)$/;
const ELSEWHERE = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/;
const FULL = /^(QuotaExceeded|XMinioStorageFull|InsufficientCapacity|StorageFull)$/;
const INSUFFICIENT_STORAGE = 507;

/** What is known of a failed call: the library marks every failure that comes from a request. */
interface S3Failure extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/** A failed call in the words of the port; what is not a failure of a call stays as it is. */
export function storageErrorOf(error: unknown, key: string): unknown {
  if (error instanceof DomainError || typeof error !== 'object' || error === null) return error;
  const { name, $metadata } = error as S3Failure;
  if (name === 'NoSuchKey' || name === 'NotFound') return new ObjectNotFound(key);
  if (FULL.test(name) || $metadata?.httpStatusCode === INSUFFICIENT_STORAGE) return new StorageFull();
  return $metadata !== undefined || isLostConnection(error) ? new StorageUnavailable(error) : error;
}

/** Whether an answer stopped coming, so that asking for the rest of it may help. */
export function isLostConnection(error: unknown): boolean {
  return isConnectionError(error) || (error as Error | null)?.name === 'TimeoutError';
}

/** One line for an operator whose bucket cannot be used at the start. */
export function whyUnusable(error: unknown, { bucket: location, endpoint, region }: StorageConfig): string {
  const { name, message, code, $metadata } = error as S3Failure;
  const where = endpoint ?? `S3 in ${region}`;
  const bucket = location!.bucket;
  if (name === 'NoSuchBucket')
    return `STORAGE_URL: ${where} has no bucket "${bucket}". Make it, or name one that is there.`;
  if (name === 'CredentialsProviderError') {
    return `S3_ACCESS_KEY_ID: there are no credentials for the bucket "${bucket}". Set it with S3_SECRET_ACCESS_KEY.`;
  }
  if (ELSEWHERE.test(name)) {
    return `S3_REGION: the bucket "${bucket}" is not in ${region}. Set the region in which it was made (${message}).`;
  }
  if (REFUSED.test(name)) {
    return `S3_ACCESS_KEY_ID: ${where} refuses the bucket "${bucket}" (${name}). Set the key and secret of somebody who may list, read, write and delete there.`;
  }
  if ($metadata?.httpStatusCode === undefined) {
    return `S3_ENDPOINT: ${where} does not answer (${code ?? message}). Start it, or set its address right.`;
  }
  return `STORAGE_URL: the bucket "${bucket}" at ${where} cannot be used (${name}: ${message}).`;
}
