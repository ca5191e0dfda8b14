import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { Transform } from 'class-transformer';
import { Text } from '../../common/text';
import type { GenerationManifest } from '../../engine/graph-engine';
import { toDefinition } from '../definition';
import { type GraphSchema, pairsOf, type Property } from '../graph-schema';
import type { SchemaExtension } from '../schema-extensions';
import { IsDefinition } from './is-definition';

export const EXPORT_FORMATS = ['json', 'yaml', 'cypher'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const DEFINITION_FORMATS = ['json', 'yaml', 'dict'] as const;

export class ExportSchemaQuery {
  @IsIn(EXPORT_FORMATS)
  format: ExportFormat = 'json';

  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  include_data_stats: boolean = false;
}

export class ValidateSchemaDto {
  @ApiProperty({ description: 'a definition as an object, or as text in JSON or YAML' })
  @IsDefinition()
  schema_definition: object | string;

  @IsIn(DEFINITION_FORMATS)
  format: (typeof DEFINITION_FORMATS)[number] = 'json';

  /** Names of extensions that it is to be combined with. */
  @IsOptional()
  @ArrayMaxSize(20)
  @Text({ max: 100, each: true })
  check_compatibility?: string[] | null;
}

/** The schema with every field, and the names that the wire contract has beside it. */
export function toSchemaDto(schema: GraphSchema): object {
  return {
    name: schema.name,
    version: schema.version,
    description: schema.description ?? null,
    extensions: schema.extensions ?? [],
    nodes: schema.nodes.map((node) => ({
      name: node.name,
      description: node.description ?? null,
      properties: node.properties.map((property) => ({
        ...toPropertyDto(property),
        is_primary_key: property.name === node.primaryKey,
        unique: property.name === node.primaryKey,
      })),
    })),
    relationships: schema.relationships.map((relationship) => ({
      name: relationship.name,
      description: relationship.description ?? null,
      from_node: relationship.from,
      to_node: relationship.to,
      pairs: pairsOf(relationship).map(({ from, to }) => ({ from_node: from, to_node: to })),
      from_column: relationship.fromColumn ?? null,
      to_column: relationship.toColumn ?? null,
      properties: relationship.properties.map(toPropertyDto),
    })),
    node_labels: schema.nodes.map((node) => node.name),
    relationship_types: schema.relationships.map((relationship) => relationship.name),
    node_properties: Object.fromEntries(
      schema.nodes.map((node) => [node.name, node.properties.map((property) => property.name)]),
    ),
  };
}

/** Rows of each type, as they were counted in the engine when the live data was finished. */
export function toDataStatsDto(schema: GraphSchema, generation: number, manifest: GenerationManifest): object {
  const counts = (types: { name: string }[], found: Record<string, number>): Record<string, number> =>
    Object.fromEntries(types.map(({ name }) => [name, found[name] ?? 0]));
  const total = (found: Record<string, number>): number => Object.values(found).reduce((sum, count) => sum + count, 0);
  return {
    generation,
    node_counts: counts(schema.nodes, manifest.nodes),
    relationship_counts: counts(schema.relationships, manifest.relationships),
    total_nodes: total(manifest.nodes),
    total_relationships: total(manifest.relationships),
    database_size_bytes: manifest.bytes,
  };
}

export function toExtensionDto({ name, description, nodes, relationships }: SchemaExtension): object {
  return {
    name,
    description,
    enabled: true,
    node_types: nodes.map((node) => node.name),
    relationship_types: relationships.map((relationship) => relationship.name),
  };
}

/** An extension with all of its types, as one would write them into a definition of one's own. */
export function toExtensionDetailDto(extension: SchemaExtension, schema: GraphSchema): object {
  const { nodes, relationships } = toDefinition(schema);
  return { ...toExtensionDto(extension), nodes, relationships };
}

function toPropertyDto({ name, type, required, default: value, description }: Property): object {
  return { name, type, required, default: value ?? null, description: description ?? null };
}
