/** What the page asks about templates that people submit. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { components } from "./schema";

/** A version of a template that somebody submitted. */
export type Submission = components["schemas"]["SubmittedTemplate"];
/** The same with its definition and what was said about it. */
export type WholeSubmission = components["schemas"]["WholeSubmission"];
/** Where a submission stands. */
export type SubmissionStatus = components["schemas"]["StatusOfSubmission"];
/** A template with its files. */
export type WholeTemplate = components["schemas"]["WholeTemplate"];
/** A template to submit. */
export type TemplateRequest = components["schemas"]["TemplateRequest"];

/** What begins the keys of all that is asked about submissions. */
export const SUBMISSIONS_KEY = ["template-submissions"] as const;

/** The newest submissions, at most 200; from editors on. */
export const submissionsQuery = (status?: SubmissionStatus) =>
  queryOptions({
    queryKey: [...SUBMISSIONS_KEY, "list", status ?? null],
    queryFn: async ({ signal }) => {
      const query = status === undefined ? {} : { status };
      return body(await api.GET("/api/v1/template-submissions", { params: { query }, signal })).submissions;
    },
  });

/** One submission. */
export const submissionQuery = (id: string) =>
  queryOptions({
    queryKey: [...SUBMISSIONS_KEY, "one", id],
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/template-submissions/{id}", { params: { path: { id } }, signal })),
  });

/** A template that code is made of, with its files. */
export const wholeTemplateQuery = (id: string) =>
  queryOptions({
    queryKey: ["templates", "whole", id],
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/templates/{id}", { params: { path: { id } }, signal })),
  });
