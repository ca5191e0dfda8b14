import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Upload } from '@aws-sdk/lib-storage';
import { Logger } from '@nestjs/common';
import { InvalidSettings } from '../config/load-config';
import { whyUnusable } from './s3-errors';
import type { BucketUrl, StorageConfig } from './storage.config';
import { BYTES_PER_MB } from '../common/units';

/** With growing pauses between them: a service that is busy (503 SlowDown) or just being restarted is asked again. */
const ATTEMPTS = 5;
const CONNECT_MS = 5_000;
/** Silence in the middle of a request or an answer after which the connection counts as lost. */
const SILENCE_MS = 60_000;
/** Slow readers each hold a connection; those who store something must not wait for them. */
const CONNECTIONS = 256;
const ABANDONED_AFTER_MS = 24 * 3_600_000;
/** Says in the bucket whose it is; no key begins with a dot. */
const MARK = '.graphstead';

/** A bucket that was seen to work, and the client for it. */
export interface S3Bucket extends BucketUrl {
  s3: S3;
  Upload: typeof Upload;
  partBytes: number;
}

/**
 * Connects to the configured bucket and proves that it can be listed and written. Throws `InvalidSettings` with one line
 * that says what is wrong. The libraries are loaded here, so that those who keep files pay nothing for them.
 */
export async function openBucket(config: StorageConfig): Promise<S3Bucket> {
  const { S3 } = await import('@aws-sdk/client-s3');
  const { Upload } = await import('@aws-sdk/lib-storage');
  const s3 = new S3(clientSettings(config));
  const { bucket, prefix } = config.bucket!;
  try {
    await s3.listObjectsV2({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
    await s3.putObject({
      Bucket: bucket,
      Key: `${prefix}${MARK}`,
      Body: 'Objects of Graphstead. Do not change them.\n',
    });
  } catch (error) {
    s3.destroy();
    throw new InvalidSettings([whyUnusable(error, config)]);
  }
  return { s3, Upload, bucket, prefix, partBytes: config.partMb * BYTES_PER_MB };
}

function clientSettings(config: StorageConfig): S3ClientConfig {
  const { endpoint, region, pathStyle, accessKeyId, secretAccessKey } = config;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new InvalidSettings(['S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together. Set both or none.']);
  }
  return {
    endpoint,
    region,
    forcePathStyle: pathStyle,
    credentials: accessKeyId === undefined ? undefined : { accessKeyId, secretAccessKey: secretAccessKey! },
    maxAttempts: ATTEMPTS,
    // Bodies are covered by the signature; many compatible services know none of the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: { maxSockets: CONNECTIONS },
      httpsAgent: { maxSockets: CONNECTIONS },
    },
  };
}

/**
 * Removes the parts of uploads that were begun long ago and never ended: nobody sees them, but they cost room. A bucket
 * where that is not allowed, or not known, needs a lifecycle rule instead, so that this is no reason not to start.
 */
export async function abortAbandonedUploads({ s3, bucket, prefix }: S3Bucket, now: Date): Promise<void> {
  try {
    const { Uploads = [] } = await s3.listMultipartUploads({ Bucket: bucket, Prefix: prefix });
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (!Initiated || now.getTime() - Initiated.getTime() < ABANDONED_AFTER_MS) continue;
      await s3.abortMultipartUpload({ Bucket: bucket, Key, UploadId });
    }
  } catch (error) {
    new Logger('Storage').warn(`Unfinished uploads could not be removed: ${(error as Error).message}`);
  }
}
