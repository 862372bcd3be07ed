import type { PublicProofKey } from '../../config/proof-keys.js';
import { ApiProperty, ApiSchema } from '../../openapi/swagger.js';

@ApiSchema({ name: 'ProofKey', description: 'A public Ed25519 key as a JWK (RFC 7517, RFC 8037).' })
class ProofKeyResponse implements PublicProofKey {
  @ApiProperty({ type: 'string', const: 'OKP', description: 'The type of the key.' })
  readonly kty!: 'OKP';

  @ApiProperty({ type: 'string', const: 'Ed25519', description: 'The curve of the key.' })
  readonly crv!: 'Ed25519';

  @ApiProperty({
    pattern: '^[\\w-]{43}$',
    description: 'The public key, in base64url.',
    examples: ['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'],
  })
  readonly x!: string;

  @ApiProperty({
    description: 'The id of the key, as in the header of the proofs that the key signed.',
    examples: ['kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
  })
  readonly kid!: string;

  @ApiProperty({ type: 'string', const: 'EdDSA', description: 'The signature algorithm.' })
  readonly alg!: 'EdDSA';

  @ApiProperty({ type: 'string', const: 'sig', description: 'The key checks signatures.' })
  readonly use!: 'sig';
}

@ApiSchema({
  description:
    'A JWK Set. The first key checks new proofs; the others check earlier or future ones.',
})
export class ProofKeysResponse {
  @ApiProperty({ type: [ProofKeyResponse], description: 'The keys, each with an id of its own.' })
  readonly keys!: readonly ProofKeyResponse[];
}
