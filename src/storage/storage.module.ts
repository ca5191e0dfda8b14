import { Module } from '@nestjs/common';
import { Clock } from '../common/clock';
import { PlatformConfig } from '../config/platform.config';
import { FileSystemObjectStore } from './file-system.object-store';
import { ObjectStore } from './object-store';
import { abortAbandonedUploads, openBucket } from './s3-bucket';
import { S3ObjectStore } from './s3.object-store';
import { StorageConfig } from './storage.config';

/** Bytes under keys: {@link ObjectStore}, kept as files, or in a bucket where STORAGE_URL names one. */
@Module({
  providers: [
    {
      provide: ObjectStore,
      inject: [PlatformConfig, StorageConfig, Clock],
      useFactory: async (platform: PlatformConfig, config: StorageConfig, clock: Clock): Promise<ObjectStore> => {
        if (!config.wantsBucket()) return new FileSystemObjectStore(platform);
        const bucket = await openBucket(config);
        await abortAbandonedUploads(bucket, clock.now());
        return new S3ObjectStore(bucket);
      },
    },
  ],
  exports: [ObjectStore],
})
export class StorageModule {}
