/** The HTTP interface as TypeScript; written by `npm run api` from ../openapi.json once that exists. */

interface ErrorBody {
  error: string;
  code: string;
  line?: number;
  column?: number;
  retry_after_seconds?: number;
}
interface SessionBody {
  user: { id: string; login: string; role: string };
  organisation: { id: string; name: string };
  can_write: boolean;
}
interface TokenBody {
  id: string;
  name: string;
  database: string | null;
  can_read: boolean;
  can_write: boolean;
  created_at: string;
  created_by: string | null;
  last_used_at: string | null;
  hint: string;
}
interface ColumnBody {
  name: string;
  kind: "time" | "tag" | "field";
  type: string;
}
type Json<T> = { content: { "application/json": T } };
type Failure = Json<ErrorBody>;

export interface components {
  schemas: {
    ErrorBody: ErrorBody;
    SessionBody: SessionBody;
    TokenBody: TokenBody;
    ColumnBody: ColumnBody;
  };
}

export interface paths {
  "/api/v1/setup": {
    get: { responses: { 200: Json<{ needed: boolean }>; default: Failure } };
    post: {
      requestBody: Json<{ code: string; organisation: string; login: string; password: string }>;
      responses: { 201: Json<SessionBody>; default: Failure };
    };
  };
  "/api/v1/session": {
    get: { responses: { 200: Json<SessionBody>; default: Failure } };
    post: {
      requestBody: Json<{ login: string; password: string }>;
      responses: { 200: Json<SessionBody>; default: Failure };
    };
    delete: { responses: { 204: { content?: never }; default: Failure } };
  };
  "/api/v1/tokens": {
    get: { responses: { 200: Json<{ tokens: TokenBody[] }>; default: Failure } };
    post: {
      requestBody: Json<{ name: string; database?: string; can_read: boolean; can_write: boolean }>;
      responses: { 201: Json<{ token: TokenBody; secret: string }>; default: Failure };
    };
  };
  "/api/v1/tokens/{id}": {
    delete: {
      parameters: { path: { id: string } };
      responses: { 204: { content?: never }; default: Failure };
    };
  };
  "/api/v1/databases": {
    get: { responses: { 200: Json<{ databases: { name: string; tables: number }[] }>; default: Failure } };
    post: {
      requestBody: Json<{ name: string }>;
      responses: { 200: Json<{ name: string }>; 201: Json<{ name: string }>; default: Failure };
    };
  };
  "/api/v1/databases/{db}/tables": {
    get: {
      parameters: { path: { db: string } };
      responses: { 200: Json<{ tables: { name: string; columns: ColumnBody[] }[] }>; default: Failure };
    };
  };
  "/api/v1/databases/{db}/last": {
    get: {
      parameters: { path: { db: string }; query?: { table?: string; series_limit?: number } };
      responses: {
        200: Json<{
          now_ms: number;
          tables: {
            table: string;
            series_total: number;
            series: {
              key: string;
              tags: Record<string, string>;
              fields: Record<string, { time_ms: number; value: number | string | boolean; type: string }>;
            }[];
          }[];
        }>;
        default: Failure;
      };
    };
  };
  "/api/v1/rejections": {
    get: {
      parameters: { query?: { limit?: number } };
      responses: {
        200: Json<{
          total: number;
          rejections: {
            time_ms: number;
            database: string;
            source: string;
            peer: string;
            line: number;
            code: string;
            error: string;
            sample: string;
          }[];
        }>;
        default: Failure;
      };
    };
  };
}
