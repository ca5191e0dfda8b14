import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsObject, IsOptional, IsUUID, ValidateNested } from 'class-validator';
import { Text } from '../../common/text';
import { RESOURCE_TYPES, type ResourceType, type Subscription } from '../subscription.entity';

/** What to make of what is paid for; kept with the subscription. */
export class ResourceConfigDto {
  @IsOptional()
  @Text({ max: 200, trim: true })
  graph_name?: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true, min: 0 })
  description?: string | null;

  @IsOptional()
  @ArrayMaxSize(20)
  @Text({ max: 100, each: true })
  schema_extensions?: string[];

  /** Checked by `composeSchema`. */
  @IsOptional()
  @IsObject()
  custom_schema?: object | null;

  @IsOptional()
  @ArrayMaxSize(10)
  @Text({ max: 50, each: true })
  tags?: string[];

  /** Of a shared repository its name; nothing else but `org_id` goes with it. */
  @IsOptional()
  @Text({ max: 100 })
  repository?: string;

  /** Which organisation pays; needed only by those who may order for several. */
  @IsOptional()
  @IsUUID()
  org_id?: string;
}

export class CreateCheckoutDto {
  @Text({ max: 100 })
  plan_name: string;

  @IsIn(RESOURCE_TYPES)
  resource_type: ResourceType;

  @IsObject()
  @ValidateNested()
  @Type(() => ResourceConfigDto)
  resource_config: ResourceConfigDto;
}

export function toCheckoutStatusDto(subscription: Subscription): object {
  return {
    status: subscription.status,
    subscription_id: subscription.id,
    resource_id: subscription.resourceId,
    operation_id: subscription.provisioningOperationId,
    error: subscription.lastProvisioningError?.message ?? null,
  };
}
