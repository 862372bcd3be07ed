import { randomBytes } from 'node:crypto';
import { InfobipError } from './infobip-error.js';
import type {
  InfobipApplication,
  ApplicationFields,
  ApplicationUpdate,
} from './infobip-application.js';
import {
  isEmailTemplate,
  type EmailTemplateFields,
  type MessageTemplate,
  type TextTemplateFields,
} from './message-template.js';

/** More are refused, so that a sandbox left running does not grow. */
const MAX_ITEMS = 10_000;

export type TemplateKind = 'text' | 'email';

/** 32 upper-case hex digits, as the vendor's samples show. */
export const generateId = () => randomBytes(16).toString('hex').toUpperCase();

/** Applications and their message templates, in memory. */
export class ApplicationStore {
  private readonly applications = new Map<string, InfobipApplication>();
  private readonly templates = new Map<string, MessageTemplate>();

  /** @throws ApiError 429 where there are too many already. */
  createApplication(fields: ApplicationFields, applicationId = generateId()): InfobipApplication {
    assertCapacity(this.applications);
    const getApplication = { applicationId, ...fields };
    this.applications.set(applicationId, getApplication);
    return getApplication;
  }

  /** What is not given stays as it is. @throws ApiError 404 */
  updateApplication(applicationId: string, update: ApplicationUpdate): InfobipApplication {
    const old = this.application(applicationId);
    const configuration = { ...old.configuration, ...update.configuration };
    const application = { ...old, ...update, configuration };
    this.applications.set(applicationId, application);
    return application;
  }

  /** @throws ApiError 404 */
  application(applicationId: string): InfobipApplication {
    return orNotFound(this.applications.get(applicationId));
  }

  listApplications(): InfobipApplication[] {
    return [...this.applications.values()];
  }

  /** @throws ApiError 404 where there is no such application, 429 where there are too many. */
  createTemplate(
    applicationId: string,
    fields: TextTemplateFields | EmailTemplateFields,
    messageId = generateId(),
  ): MessageTemplate {
    this.application(applicationId);
    assertCapacity(this.templates);
    const getTemplate = { messageId, applicationId, ...fields };
    this.templates.set(messageId, getTemplate);
    return getTemplate;
  }

  /**
   * What is not given stays as it is.
   * @throws ApiError 404 where there is no such template of this kind.
   */
  updateTemplate(
    kind: TemplateKind,
    { applicationId, messageId }: { applicationId: string; messageId: string },
    update: Partial<TextTemplateFields> | Partial<EmailTemplateFields>,
  ): MessageTemplate {
    const old = this.template(applicationId, messageId);
    if (isEmailTemplate(old) !== (kind === 'email')) throw new InfobipError(404);
    const template = { ...old, ...update };
    this.templates.set(messageId, template);
    return template;
  }

  /** @throws ApiError 404 */
  template(applicationId: string, messageId: string): MessageTemplate {
    this.application(applicationId);
    const template = this.templates.get(messageId);
    return orNotFound(template?.applicationId === applicationId ? template : undefined);
  }

  /** @throws ApiError 404 */
  listTemplates(applicationId: string): MessageTemplate[] {
    this.application(applicationId);
    return [...this.templates.values()].filter(
      (template) => template.applicationId === applicationId,
    );
  }
}

/** @throws ApiError 404 for nothing. */
export function orNotFound<T>(item: T | undefined): T {
  if (item === undefined) throw new InfobipError(404);
  return item;
}

function assertCapacity({ size }: ReadonlyMap<string, unknown>): void {
  if (size >= MAX_ITEMS) throw new InfobipError(429);
}
