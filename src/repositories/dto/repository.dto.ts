import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Text } from '../../common/text';
import type { Repository } from '../repository';

/** Of repositories and their plans. */
export const SLUG = /^[a-z][a-z0-9_]{0,49}$/;
export const NO_SLUG = 'must be lower case letters, digits and underscores, a letter first';
const MOST_CENTS = 100_000_000;

export class RepositoryPlanDto {
  @Matches(SLUG, { message: NO_SLUG })
  name: string;

  @Text({ max: 100, trim: true })
  display_name: string;

  /** For a month. */
  @IsInt()
  @Min(0)
  @Max(MOST_CENTS)
  monthly_price_cents: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST_CENTS)
  monthly_credits: number = 0;

  @IsOptional()
  @ArrayMaxSize(20)
  @Text({ max: 200, trim: true, each: true })
  features: string[] = [];
}

export class PublishRepositoryDto {
  @ApiProperty({ description: 'the graph that is read; it cannot be exchanged later' })
  @Text({ max: 100 })
  graph_id: string;

  @IsOptional()
  @Text({ max: 2_000, multiline: true })
  description?: string | null;

  @ApiProperty({ type: [RepositoryPlanDto] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(10)
  @ArrayUnique(({ name }: RepositoryPlanDto) => name, { message: 'names of plans must differ' })
  @ValidateNested({ each: true })
  @Type(() => RepositoryPlanDto)
  plans: RepositoryPlanDto[];

  /** False: who subscribed goes on reading, nobody else can subscribe. */
  @IsOptional()
  @IsBoolean()
  is_offered: boolean = true;
}

export function toRepository(name: string, dto: PublishRepositoryDto): Repository {
  return {
    name,
    graphId: dto.graph_id,
    description: dto.description ?? null,
    isOffered: dto.is_offered,
    plans: dto.plans.map((plan) => ({
      name: plan.name,
      displayName: plan.display_name,
      priceCents: plan.monthly_price_cents,
      monthlyCredits: plan.monthly_credits,
      features: plan.features,
    })),
  };
}

export function toRepositoryDto({ name, graphId, description, plans, isOffered }: Repository): object {
  return {
    name,
    graph_id: graphId,
    description,
    is_offered: isOffered,
    plans: plans.map((plan) => ({
      name: plan.name,
      display_name: plan.displayName,
      monthly_price_cents: plan.priceCents,
      monthly_credits: plan.monthlyCredits,
      features: plan.features,
    })),
  };
}
