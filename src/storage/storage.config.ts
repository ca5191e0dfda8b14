import { InvalidSettings } from '../config/load-config';
import { integer, oneOf, Setting, text, url } from '../config/setting';

/** Where objects are kept: below DATA_DIR, or in a bucket that speaks the protocol of S3. */
export class StorageConfig {
  @Setting(
    'STORAGE_URL',
    bucketUrl,
    'bucket for uploads, staged parts, results and backups, as s3://bucket or s3://bucket/folder',
    'files under DATA_DIR',
  )
  readonly bucket?: BucketUrl = undefined;

  @Setting(
    'S3_ENDPOINT',
    url('http', 'https'),
    'address of a service that is compatible with S3',
    'that of AWS for S3_REGION',
  )
  readonly endpoint?: string = undefined;

  @Setting('S3_REGION', text(), 'region of the bucket')
  readonly region: string = 'us-east-1';

  @Setting(
    'S3_PATH_STYLE',
    oneOf('true', 'false'),
    'true: the bucket in the path of requests; false: in their host name',
    'true with S3_ENDPOINT, else false',
  )
  readonly pathStyleSetting?: 'true' | 'false' = undefined;

  @Setting(
    'S3_ACCESS_KEY_ID',
    text(),
    'key for the bucket, with S3_SECRET_ACCESS_KEY',
    'what the machine has: AWS_ACCESS_KEY_ID, or its role',
  )
  readonly accessKeyId?: string = undefined;

  @Setting('S3_SECRET_ACCESS_KEY', text(), 'secret of that key', 'none')
  readonly secretAccessKey?: string = undefined;

  @Setting(
    'S3_PART_MB',
    integer({ min: 5, max: 5_120 }),
    'size of the parts of large objects: an upload holds three in memory, and no object has more than 10,000',
  )
  readonly partMb: number = 8;

  /** Throws `InvalidSettings` where something is said of a bucket that no setting names. */
  wantsBucket(): boolean {
    if (this.bucket !== undefined) return true;
    if ((this.endpoint ?? this.accessKeyId ?? this.secretAccessKey) === undefined) return false;
    throw new InvalidSettings([
      'STORAGE_URL: S3_* is set, but no bucket is named. Set s3://bucket, or remove the others.',
    ]);
  }

  get pathStyle(): boolean {
    return this.pathStyleSetting === undefined ? this.endpoint !== undefined : this.pathStyleSetting === 'true';
  }
}

export interface BucketUrl {
  bucket: string;
  /** What every key begins with: empty, or whole segments with a slash at the end. */
  prefix: string;
}

function bucketUrl(value: string): BucketUrl {
  const [, bucket, folder = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.\-/]*?))?\/*$/.exec(value) ?? [];
  if (bucket === undefined || /\/\/|^\/|(^|\/)\.\.?(\/|$)/.test(folder)) {
    throw new Error('must be s3://bucket or s3://bucket/folder');
  }
  return { bucket, prefix: folder === '' ? '' : `${folder}/` };
}
