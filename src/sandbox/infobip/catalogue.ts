import { randomBytes } from 'node:crypto';
import { ApiError } from './api-error.js';
import type { Application, ApplicationFields, ApplicationUpdate } from './application.js';
import {
  isEmail,
  type EmailTemplateFields,
  type Template,
  type TextTemplateFields,
} from './template.js';

/** More are refused, so that a sandbox left running does not grow. */
const MOST = 10_000;

export type TemplateKind = 'text' | 'email';

/** 32 upper-case hex digits, as the vendor's samples show. */
export const newId = () => randomBytes(16).toString('hex').toUpperCase();

/** Applications and their message templates, in memory. */
export class Catalogue {
  private readonly applications = new Map<string, Application>();
  private readonly templates = new Map<string, Template>();

  /** @throws ApiError 429 where there are too many already. */
  createApplication(fields: ApplicationFields, applicationId = newId()): Application {
    hasRoom(this.applications);
    const application = { applicationId, ...fields };
    this.applications.set(applicationId, application);
    return application;
  }

  /** What is not given stays as it is. @throws ApiError 404 */
  updateApplication(applicationId: string, update: ApplicationUpdate): Application {
    const old = this.application(applicationId);
    const configuration = { ...old.configuration, ...update.configuration };
    const application = { ...old, ...update, configuration };
    this.applications.set(applicationId, application);
    return application;
  }

  /** @throws ApiError 404 */
  application(applicationId: string): Application {
    return found(this.applications.get(applicationId));
  }

  listApplications(): Application[] {
    return [...this.applications.values()];
  }

  /** @throws ApiError 404 where there is no such application, 429 where there are too many. */
  createTemplate(
    applicationId: string,
    fields: TextTemplateFields | EmailTemplateFields,
    messageId = newId(),
  ): Template {
    this.application(applicationId);
    hasRoom(this.templates);
    const template = { messageId, applicationId, ...fields };
    this.templates.set(messageId, template);
    return template;
  }

  /**
   * What is not given stays as it is.
   * @throws ApiError 404 where there is no such template of this kind.
   */
  updateTemplate(
    kind: TemplateKind,
    { applicationId, messageId }: { applicationId: string; messageId: string },
    update: Partial<TextTemplateFields> | Partial<EmailTemplateFields>,
  ): Template {
    const old = this.template(applicationId, messageId);
    if (isEmail(old) !== (kind === 'email')) throw new ApiError(404);
    const template = { ...old, ...update };
    this.templates.set(messageId, template);
    return template;
  }

  /** @throws ApiError 404 */
  template(applicationId: string, messageId: string): Template {
    this.application(applicationId);
    const template = this.templates.get(messageId);
    return found(template?.applicationId === applicationId ? template : undefined);
  }

  /** @throws ApiError 404 */
  listTemplates(applicationId: string): Template[] {
    this.application(applicationId);
    return [...this.templates.values()].filter(
      (template) => template.applicationId === applicationId,
    );
  }
}

/** @throws ApiError 404 for nothing. */
export function found<T>(item: T | undefined): T {
  if (item === undefined) throw new ApiError(404);
  return item;
}

function hasRoom({ size }: ReadonlyMap<string, unknown>): void {
  if (size >= MOST) throw new ApiError(429);
}
