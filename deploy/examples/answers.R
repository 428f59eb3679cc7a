# A centre's answers in R: what answers.ipynb does in pandas. Needs the packages arrow and dplyr.
# The file is an export: python -m aggregator export answers.parquet

library(arrow)
library(dplyr)

file <- "answers.parquet"
answers <- read_parquet(file)

# What a column means: labels and codes are in the metadata of each field.
schema <- read_parquet(file, as_data_frame = FALSE)$schema
label <- function(column) schema$GetFieldByName(column)$metadata$label_en
print(label("rating"))

# The share that is very satisfied, with its number of ratings; channels stay apart.
rated <- filter(answers, !is.na(rating))
rated |>
  group_by(channel, department) |>
  summarise(k = sum(rating == 5), n = n(), share = k / n, .groups = "drop") |>
  print(n = Inf)

# Days, and answers that came more than a day after they were given.
rated |>
  group_by(day) |>
  summarise(n = n(), very_satisfied = mean(rating == 5)) |>
  tail(7) |>
  print()
print(sum(difftime(rated$received_at, rated$answered_at, units = "days") > 1))

# Praise or blame: reasons by the rating of the same visit.
highest <- function(values) if (all(is.na(values))) NA else max(values, na.rm = TRUE)
answers |>
  filter(!is.na(visit)) |>
  group_by(visit) |>
  summarise(across(c(rating, starts_with("reasons_")), highest)) |>
  filter(!is.na(rating)) |>
  group_by(rating) |>
  summarise(across(starts_with("reasons_"), \(chosen) sum(chosen, na.rm = TRUE))) |>
  print()
