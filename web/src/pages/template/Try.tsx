/** Fills in a submission, whether it is accepted or not. */
import { Button, Text, Title } from "@mantine/core";
import { FlaskConical } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { WholeTemplate } from "@/api/submissions";
import type { DeviceFile } from "@/pages/device-code/archive";
import columns from "@/pages/device-code/deviceCode.module.css";
import { Result } from "@/pages/device-code/Result";
import { TemplateForm } from "@/pages/device-code/TemplateForm";
import { initialValues, serverAddress, type Values } from "@/pages/device-code/values";
import classes from "./template.module.css";

/** Properties of {@link Try}. */
export interface TryProps {
  /** The id of the submission. */
  id: string;
  template: WholeTemplate;
}

/** A button that opens the form of the code page. */
export function Try({ id, template }: TryProps) {
  const { t } = useTranslation("templates");
  const [opened, setOpened] = useState(false);
  return (
    <section className={classes["section"]} aria-labelledby="try">
      <Title order={2} id="try">
        {t("try")}
      </Title>
      <Text c="dimmed">{t("tryWhy")}</Text>
      {opened ? (
        <Form id={id} template={template} />
      ) : (
        <div>
          <Button
            variant="default"
            leftSection={<FlaskConical size={16} aria-hidden />}
            onClick={() => {
              setOpened(true);
            }}
          >
            {t("tryOpen")}
          </Button>
        </div>
      )}
    </section>
  );
}

function Form({ id, template }: TryProps) {
  const [values, setValues] = useState(() => initialValues(template.variables, {}, serverAddress(globalThis.location)));
  const [made, setMade] = useState<{ files: readonly DeviceFile[]; values: Values } | null>(null);
  return (
    <div className={columns["columns"]} data-made={made !== null}>
      <TemplateForm
        template={template}
        submission={id}
        values={values}
        onChange={setValues}
        onMade={(files, by) => {
          setMade({ files, values: by });
        }}
      />
      {made !== null && <Result id={template.id} files={made.files} isOld={made.values !== values} />}
    </div>
  );
}
