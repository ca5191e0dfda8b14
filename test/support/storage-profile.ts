/** A bucket that nobody else uses, as the platform's own settings name it. */
const { STORAGE_URL, S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = process.env;

export const hasBucket = STORAGE_URL !== undefined;

/**
 * The settings that give a test a folder of its own in the bucket, or none, so that objects are files, where `STORAGE_URL`
 * names no bucket.
 */
export function storageSettings(folder: string): Record<string, string> {
  if (STORAGE_URL === undefined) return {};
  const settings = {
    STORAGE_URL: `${STORAGE_URL}/${folder}`,
    S3_ENDPOINT,
    S3_REGION,
    S3_ACCESS_KEY_ID,
    S3_SECRET_ACCESS_KEY,
  };
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
