/** What the page asks about templates and types that people submit for review. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { TypeDefinition } from "./queries";
import type { components } from "./schema";

/** A version of a template or a type that somebody submitted. */
export type Submission = components["schemas"]["SubmittedVersion"];
/** The same with its definition and what was said about it. */
export type WholeSubmission = components["schemas"]["WholeSubmission"];
/** Where a submission stands. */
export type SubmissionStatus = components["schemas"]["StatusOfSubmission"];
/** What is submitted. */
export type SubmissionKind = components["schemas"]["KindOfSubmission"];
/** A template with its files. */
export type WholeTemplate = components["schemas"]["WholeTemplate"];
/** A template to submit. */
export type TemplateRequest = components["schemas"]["TemplateRequest"];
/** A type to submit. */
export type TypeRequest = components["schemas"]["TypeRequest"];

/** What begins the keys of all that is asked about submissions. */
export const SUBMISSIONS_KEY = ["submissions"] as const;

/** Which submissions; what is absent does not filter. */
export interface SubmissionsFilters {
  kind?: SubmissionKind | undefined;
  status?: SubmissionStatus | undefined;
}

/** The newest submissions, at most 200; from editors on. */
export const submissionsQuery = ({ kind, status }: SubmissionsFilters = {}) =>
  queryOptions({
    queryKey: [...SUBMISSIONS_KEY, "list", kind ?? null, status ?? null],
    queryFn: async ({ signal }) => {
      const query = { ...(kind === undefined ? {} : { kind }), ...(status === undefined ? {} : { status }) };
      return body(await api.GET("/api/v1/submissions", { params: { query }, signal })).submissions;
    },
  });

/** One submission. */
export const submissionQuery = (id: string) =>
  queryOptions({
    queryKey: [...SUBMISSIONS_KEY, "one", id],
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/submissions/{id}", { params: { path: { id } }, signal })),
  });

/** A template that code is made of, with its files. */
export const wholeTemplateQuery = (id: string) =>
  queryOptions({
    queryKey: ["templates", "whole", id],
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/templates/{id}", { params: { path: { id } }, signal })),
  });

/** The template that was submitted; none if it is a type. */
export function templateIn(submission: WholeSubmission | undefined): WholeTemplate | undefined {
  return submission !== undefined && "template" in submission.definition ? submission.definition.template : undefined;
}

/** The type that was submitted; none if it is a template. */
export function typeIn(submission: WholeSubmission | undefined): TypeDefinition | undefined {
  return submission !== undefined && "type" in submission.definition ? submission.definition.type : undefined;
}
