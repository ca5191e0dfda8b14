// Makes the bucket that the settings of the platform name, once the service takes writes: it answers before it can.
// usage: STORAGE_URL=s3://bucket S3_ENDPOINT=... S3_ACCESS_KEY_ID=... S3_SECRET_ACCESS_KEY=... node make-bucket.mjs <seconds>
import { setTimeout } from 'node:timers/promises';
import { S3 } from '@aws-sdk/client-s3';

const { STORAGE_URL, S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = process.env;
const deadline = Date.now() + Number(process.argv[2]) * 1_000;
const s3 = new S3({
  endpoint: S3_ENDPOINT,
  region: 'us-east-1',
  forcePathStyle: true,
  maxAttempts: 1,
  credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY },
});
const Bucket = new URL(STORAGE_URL).hostname;

for (;;) {
  try {
    await s3.createBucket({ Bucket }).catch((error) => {
      if (!/^BucketAlready/.test(error.name)) throw error;
    });
    await s3.putObject({ Bucket, Key: 'first', Body: 'x' });
    await s3.deleteObject({ Bucket, Key: 'first' });
    break;
  } catch (error) {
    if (Date.now() > deadline) throw error;
    await setTimeout(200);
  }
}
