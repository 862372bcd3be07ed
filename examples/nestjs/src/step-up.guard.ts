import {
  ForbiddenException,
  SetMetadata,
  UseGuards,
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { UserSession } from './session.js';

const MAX_AGE_METADATA = 'step-up-max-age';

/**
 * Requires that the user verified a code in this session in the last `maxAgeSeconds`: for a route, or for all
 * routes of a controller.
 */
export const RequireStepUp = (maxAgeSeconds = 300) =>
  applyDecorators(SetMetadata(MAX_AGE_METADATA, maxAgeSeconds), UseGuards(StepUpGuard));

@Injectable()
export class StepUpGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { session } = context.switchToHttp().getRequest<Request & { session: UserSession }>();
    if (!session.user) throw new UnauthorizedException('Sign in first.');
    const maxAgeSeconds = this.reflector.getAllAndOverride<number>(MAX_AGE_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (Date.now() - (session.verifiedAt ?? -Infinity) < maxAgeSeconds * 1_000) return true;
    throw new ForbiddenException({
      error: 'step_up_required',
      message: 'Confirm with a code first.',
    });
  }
}
