import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { minutes, seconds } from '../common/durations.js';
import { proofConfig, type ProofConfig } from '../config/proof.config.js';
import { Public } from '../http/public.decorator.js';
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiProduces, ApiTags } from '../openapi/swagger.js';
import { ProofKeysResponse } from './dto/proof-keys.dto.js';

/** The media type of a JWK Set (RFC 7517 §8.5.2). */
const MEDIA_TYPE = 'application/jwk-set+json';
/** How long other services may cache the keys. Operators let a new key sign only after that time. */
const CACHE_CONTROL = `public, max-age=${String(minutes(5) / seconds(1))}`;

/** Publishes the keys with which other services check proofs. */
@Public()
@ApiTags('Proofs')
@Controller('.well-known')
export class ProofKeysController {
  /** `undefined` if the service issues no proofs. */
  private readonly keySet: Buffer | undefined;

  constructor(@Inject(proofConfig.KEY) { keys }: ProofConfig) {
    const keySet: ProofKeysResponse = { keys: keys.map(({ publicKey }) => publicKey) };
    // As bytes: Fastify adds a charset to the type of a string.
    if (keys.length > 0) this.keySet = Buffer.from(JSON.stringify(keySet));
  }

  @Get('jwks.json')
  @ApiProduces(MEDIA_TYPE)
  @ApiRoute({
    summary: 'Get the public keys of proofs',
    description:
      'The keys by which other services check a `proof`, as a JWK Set (RFC 7517). 404 if the service issues no proofs. May be cached for five minutes.',
    responses: { 200: { description: 'The public keys.', type: ProofKeysResponse } },
  })
  getProofKeys(@Res() reply: FastifyReply): void {
    const { keySet } = this;
    if (!keySet) throw new DomainError('not_found', { message: 'This service issues no proofs.' });
    void reply.header('cache-control', CACHE_CONTROL).type(MEDIA_TYPE).send(keySet);
  }
}
